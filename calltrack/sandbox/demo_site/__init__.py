"""The demo site: "Traslochi Aurelia", a mover with branches in Rome and Milan; its numbers are invented.

Plain pages as a small business has them, the real snippet tag, and the business numbers written in as many
ways as people write them.
"""

from calltrack.sandbox.demo_site.routes import MILAN, ROME, DemoSite, create_blueprint

__all__ = ["MILAN", "ROME", "DemoSite", "create_blueprint"]
