import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('markets', '0003_exchange_account_keys'),
        ('prediction', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Champion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('engine', models.CharField(help_text='Registry name of the engine.', max_length=40)),
                ('since', models.DateTimeField(help_text='From when it counts.', unique=True)),
                ('reason', models.TextField(help_text='Why it was chosen.')),
            ],
            options={
                'ordering': ('-since',),
            },
        ),
        migrations.CreateModel(
            name='EngineBelief',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('engine', models.CharField(help_text='Registry name of the engine.', max_length=40)),
                ('engine_version', models.PositiveIntegerField(help_text='Its version.')),
                ('weight', models.FloatField(help_text='Its weight in the combination; 0 = only heard.')),
                ('pmf_low_f', models.SmallIntegerField(help_text='Whole °F of the first probability.')),
                ('pmf', models.JSONField(help_text='Probabilities of consecutive whole °F, summing to 1.')),
                ('mean_f', models.FloatField(help_text='Mean of the distribution, °F.')),
                ('sd_f', models.FloatField(help_text='Standard deviation of the distribution, °F.')),
            ],
            options={
                'ordering': ('prediction', 'engine'),
            },
        ),
        migrations.AddField(
            model_name='enginefit',
            name='engine_version',
            field=models.PositiveIntegerField(default=1, help_text='Version of the engine that learned them; another one cannot use them.'),
        ),
        migrations.AddField(
            model_name='enginefit',
            name='withdrawn_at',
            field=models.DateTimeField(blank=True, help_text='From then on the fit before it counts again.', null=True),
        ),
        migrations.AddField(
            model_name='enginefit',
            name='withdrawn_reason',
            field=models.TextField(blank=True, help_text='Why it was withdrawn.'),
        ),
        migrations.AddField(
            model_name='prediction',
            name='engine_version',
            field=models.PositiveIntegerField(default=1, help_text='Its version.'),
        ),
        migrations.AddField(
            model_name='prediction',
            name='engine_weights',
            field=models.JSONField(blank=True, default=dict, help_text='Weight of each engine that was combined.'),
        ),
        migrations.AddField(
            model_name='prediction',
            name='fits',
            field=models.JSONField(blank=True, default=dict, help_text='Version of the fit used, by engine.'),
        ),
        migrations.AddField(
            model_name='prediction',
            name='horizon',
            field=models.CharField(choices=[('early', 'early'), ('evening', 'evening'), ('morning', 'morning'), ('afternoon', 'afternoon')], default='morning', help_text='Class of lead and hour.', max_length=10),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='prediction',
            name='market_probabilities',
            field=models.JSONField(blank=True, default=list, help_text="The market's, per bracket, coldest first."),
        ),
        migrations.AddField(
            model_name='prediction',
            name='observed_max_high_f',
            field=models.SmallIntegerField(blank=True, help_text='Warmest that the reports so far can mean, °F; no bound.', null=True),
        ),
        migrations.AddField(
            model_name='prediction',
            name='pool_weights',
            field=models.JSONField(blank=True, default=dict, help_text='Exponents on the model and on the market.'),
        ),
        migrations.AddField(
            model_name='prediction',
            name='pooled_low_f',
            field=models.SmallIntegerField(blank=True, help_text='Whole °F of the first pooled probability.', null=True),
        ),
        migrations.AddField(
            model_name='prediction',
            name='pooled_pmf',
            field=models.JSONField(blank=True, default=list, help_text='The same pooled with the market; empty where the market was silent.'),
        ),
        migrations.AddField(
            model_name='verification',
            name='engine',
            field=models.CharField(default='combined', help_text="Registry name; 'pooled' for the champion with the market.", max_length=40),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='verification',
            name='error_f',
            field=models.FloatField(help_text='Mean minus observed, °F.', null=True),
        ),
        migrations.AddField(
            model_name='verification',
            name='hit_50',
            field=models.BooleanField(help_text='Inside the central 50 % interval.', null=True),
        ),
        migrations.AddField(
            model_name='verification',
            name='hit_80',
            field=models.BooleanField(help_text='Inside the central 80 % interval.', null=True),
        ),
        migrations.AddField(
            model_name='verification',
            name='hit_90',
            field=models.BooleanField(help_text='Inside the central 90 % interval.', null=True),
        ),
        migrations.AddField(
            model_name='verification',
            name='horizon',
            field=models.CharField(choices=[('early', 'early'), ('evening', 'evening'), ('morning', 'morning'), ('afternoon', 'afternoon')], default='morning', help_text='Class of lead and hour.', max_length=10),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='verification',
            name='lead_hours',
            field=models.FloatField(help_text='Hours to the end of the climate day.', null=True),
        ),
        migrations.AddField(
            model_name='verification',
            name='n_train',
            field=models.PositiveIntegerField(default=0, help_text='Days its spread rests on.'),
        ),
        migrations.AddField(
            model_name='verification',
            name='outcome',
            field=models.PositiveSmallIntegerField(help_text='Index of the bracket that paid, from 0 = coldest.', null=True),
        ),
        migrations.AddField(
            model_name='verification',
            name='probabilities',
            field=models.JSONField(blank=True, default=list, help_text='Per bracket, coldest first.'),
        ),
        migrations.AddField(
            model_name='verification',
            name='sd_f',
            field=models.FloatField(help_text='Standard deviation of the belief, °F.', null=True),
        ),
        migrations.AddField(
            model_name='verification',
            name='weight',
            field=models.FloatField(help_text="The engine's weight in the combination.", null=True),
        ),
        migrations.AddField(
            model_name='verification',
            name='weight_present',
            field=models.FloatField(help_text='Share of forecast weight present.', null=True),
        ),
        migrations.AlterField(
            model_name='prediction',
            name='engine',
            field=models.CharField(help_text='Registry name of the engine that was champion.', max_length=40),
        ),
        migrations.AlterField(
            model_name='prediction',
            name='pmf',
            field=models.JSONField(help_text='Probabilities of consecutive whole °F, summing to 1; without the market.'),
        ),
        migrations.AlterField(
            model_name='verification',
            name='prediction',
            field=models.ForeignKey(help_text='Scored.', on_delete=django.db.models.deletion.CASCADE, related_name='verifications', to='prediction.prediction'),
        ),
        migrations.AddIndex(
            model_name='verification',
            index=models.Index(fields=['engine', 'horizon', 'verified_at'], name='prediction_scored_by'),
        ),
        migrations.AddField(
            model_name='champion',
            name='chosen_by',
            field=models.ForeignKey(blank=True, help_text='Who chose it.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='enginebelief',
            name='prediction',
            field=models.ForeignKey(help_text='Made beside.', on_delete=django.db.models.deletion.CASCADE, related_name='beliefs', to='prediction.prediction'),
        ),
        migrations.AddConstraint(
            model_name='enginebelief',
            constraint=models.UniqueConstraint(fields=('prediction', 'engine'), name='prediction_belief_once_per_engine'),
        ),
    ]
