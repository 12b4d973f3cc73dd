"""What people answered about incidents: kept, applied to later ones, and measured."""
