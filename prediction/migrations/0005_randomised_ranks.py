from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('prediction', '0004_one_score_per_engine'),
    ]

    operations = [
        migrations.AddField(
            model_name='verification',
            name='mixture_below',
            field=models.FloatField(blank=True, help_text="Of the blend: P(below the observed degree) in the mixture of its day-ahead engines, before any correction and the day's reports; empty where none spoke, and in scores from before it was kept.", null=True),
        ),
        migrations.AddField(
            model_name='verification',
            name='mixture_upto',
            field=models.FloatField(blank=True, help_text='The same with the observed degree included.', null=True),
        ),
        migrations.AlterField(
            model_name='verification',
            name='hit_50',
            field=models.BooleanField(help_text='Rank inside the central 50 %.', null=True),
        ),
        migrations.AlterField(
            model_name='verification',
            name='hit_80',
            field=models.BooleanField(help_text='Rank inside the central 80 %.', null=True),
        ),
        migrations.AlterField(
            model_name='verification',
            name='hit_90',
            field=models.BooleanField(help_text='Rank inside the central 90 %.', null=True),
        ),
        migrations.AlterField(
            model_name='verification',
            name='pit',
            field=models.FloatField(help_text="Randomised probability integral transform, 0..1; scores from before ranks were drawn hold the middle of the observed degree's rank."),
        ),
    ]
