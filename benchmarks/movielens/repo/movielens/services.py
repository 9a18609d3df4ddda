"""What the models read."""

from feast import FeatureService

from .views import movie_behaviour, movie_facts, viewer_behaviour, viewer_profile

viewers = FeatureService(name="viewers", features=[viewer_profile, viewer_behaviour])
movies = FeatureService(name="movies", features=[movie_facts, movie_behaviour])
