"""The project package: settings, urls and the schedule know every app; apps know boz.core."""
