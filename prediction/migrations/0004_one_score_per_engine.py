from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("prediction", "0003_carry_over_beliefs")]

    operations = [
        migrations.RemoveField(
            model_name='prediction',
            name='fit',
        ),
        migrations.AddConstraint(
            model_name='verification',
            constraint=models.UniqueConstraint(fields=('event', 'horizon', 'engine'), name='prediction_verified_once'),
        ),
    ]
