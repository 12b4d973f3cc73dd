"""The services that can be recorded, by family; every second one by name is of the development half."""

from applications import APPLICATIONS
from databases import DATABASES
from logins_and_files import LOGINS_AND_FILES
from mail import MAIL
from messages import MESSAGES
from names import NAMES
from web import WEB

SERVICES = dict(sorted({**APPLICATIONS, **DATABASES, **LOGINS_AND_FILES, **MAIL, **MESSAGES, **NAMES, **WEB}.items()))
