"""The schema's history, and the walls between tenants."""
