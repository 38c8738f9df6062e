"""What strangers may have written, found again by run: it taints the runs that come later in its session."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0008_summaries'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='step',
            index=models.Index(condition=models.Q(('request__reads', 'untrusted')), fields=['tenant', 'run'], name='step_untrusted'),
        ),
    ]
