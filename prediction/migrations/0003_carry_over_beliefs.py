"""Carries what was believed before engines stood side by side over into their tables."""

from django.db import migrations
from django.db.models import F, Max


def _horizon(lead_hours):
    """Return the class as it is when this migration is written; the rule may change later."""
    for shortest, name in ((36.0, "early"), (18.0, "evening"), (12.0, "morning")):
        if lead_hours >= shortest:
            return name
    return "afternoon"


def carry_over(apps, schema_editor):
    """Give each prediction its horizon and the version of its fit; drop unscored yardsticks.

    Climatology's rows stood beside the primary ones only to be scored, and their scores are kept
    with the verifications.
    """
    Prediction = apps.get_model("prediction", "Prediction")
    Verification = apps.get_model("prediction", "Verification")
    Prediction.objects.filter(engine="climatology", verifications__isnull=True).delete()
    for row in Prediction.objects.select_related("fit").iterator(chunk_size=500):
        row.horizon = _horizon(row.lead_hours)
        row.fits = {} if row.fit is None else {row.fit.engine: row.fit.version}
        row.save(update_fields=["horizon", "fits"])
    for row in Verification.objects.select_related("prediction").iterator(chunk_size=500):
        row.engine = row.prediction.engine
        row.horizon = "morning"
        row.lead_hours = row.prediction.lead_hours
        row.n_train = row.prediction.n_train
        row.weight_present = row.prediction.weight_present
        row.save(
            update_fields=["engine", "horizon", "lead_hours", "n_train", "weight_present"]
        )
    # One event, one horizon, one engine: what was scored last stands.
    newest = Verification.objects.order_by().values("event", "horizon", "engine")
    kept = set(newest.annotate(last=Max("pk")).values_list("last", flat=True))
    _delete(Verification, [pk for pk in _keys(Verification) if pk not in kept])


def back_to_one_score(apps, schema_editor):
    """Keep the score that the champion's own belief got in the morning.

    The tables of before have room for one score of a prediction and count each event once. The
    removed column comes back empty; predictions and fits stay.
    """
    Verification = apps.get_model("prediction", "Verification")
    own = Verification.objects.filter(horizon="morning", engine=F("prediction__engine"))
    newest = own.order_by().values("prediction").annotate(last=Max("pk"))
    kept = set(newest.values_list("last", flat=True))
    _delete(Verification, [pk for pk in _keys(Verification) if pk not in kept])


def _keys(model):
    return model.objects.order_by().values_list("pk", flat=True)


def _delete(model, pks):
    # In parts: a statement takes only so many values.
    for start in range(0, len(pks), 500):
        model.objects.filter(pk__in=pks[start : start + 500]).delete()


class Migration(migrations.Migration):

    dependencies = [("prediction", "0002_engines_side_by_side")]

    operations = [migrations.RunPython(carry_over, back_to_one_score)]
