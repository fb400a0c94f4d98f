"""Who is told that time has passed, and through which queue."""

from tasks.intake.messages import SweepSubmissions
from tasks.links.messages import AskArchive, LeaseDueLinks, RollUpChecks
from tasks.notifications.messages import RetryDeliveries

TICKS = {
    SweepSubmissions: "intake",
    LeaseDueLinks: "links.scheduled",
    RollUpChecks: "links.scheduled",
    AskArchive: "links.scheduled",
    RetryDeliveries: "notifications",
}
