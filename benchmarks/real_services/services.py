"""The services that can be recorded, by family."""

from applications import APPLICATIONS
from databases import DATABASES
from mail_and_messages import MESSAGES
from names_and_files import NAMES_AND_FILES
from web import WEB

SERVICES = dict(sorted({**APPLICATIONS, **DATABASES, **MESSAGES, **NAMES_AND_FILES, **WEB}.items()))
