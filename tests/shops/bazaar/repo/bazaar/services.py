"""What the models read: of articles alone."""

from feast import FeatureService

from .views import article_facts, article_sales

articles = FeatureService(name="articles", features=[article_facts, article_sales])
