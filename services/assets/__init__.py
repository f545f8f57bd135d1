"""Assets: the domains, addresses and networks an organization watches."""

from services.assets.models import Asset, Criticality
from services.assets.queries import AssetFilter
from services.assets.service import (
    AssetChanges,
    AssetView,
    create_asset,
    delete_asset,
    find_active_assets,
    get_asset,
    list_assets,
    update_asset,
)

__all__ = [
    "Asset",
    "AssetChanges",
    "AssetFilter",
    "AssetView",
    "Criticality",
    "create_asset",
    "delete_asset",
    "find_active_assets",
    "get_asset",
    "list_assets",
    "update_asset",
]
