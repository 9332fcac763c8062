"""Agencies, companies, locations, sites, users, roles, keys and the audit trail."""
