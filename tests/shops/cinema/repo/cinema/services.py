"""What the models read."""

from feast import FeatureService

from .views import film_behaviour, film_facts, film_status, member_behaviour, member_genres, member_profile

members = FeatureService(name="members", features=[member_profile, member_behaviour, member_genres])
films = FeatureService(name="films", features=[film_facts, film_status, film_behaviour])
