"""TikTok by its streaming endpoints. Its words (advertiser, segment, mapping, AAID) stay here."""
