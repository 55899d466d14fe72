
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('prediction', '0005_randomised_ranks'),
    ]

    operations = [
        migrations.AddField(
            model_name='prediction',
            name='market_ladder',
            field=models.JSONField(blank=True, default=list, help_text='The brackets of these probabilities as pairs of whole °F, null for an open end; empty in rows from before it was kept.'),
        ),
    ]
