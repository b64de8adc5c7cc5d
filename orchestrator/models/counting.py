"""About how many tokens a request has, before anybody has counted them."""

from __future__ import annotations

from typing import Final

from orchestrator.core.model import CHARACTERS_PER_TOKEN, Media, ModelRequest

IMAGE: Final = 1_500
"""Tokens of an image, whatever its size: servers scale large ones down."""

CHARACTERS_OF_A_DOCUMENT: Final = 25
"""How many characters of base64 make one token of a document: much of it is layout, fonts and pictures."""


def tokens_of(request: ModelRequest) -> int:
    """Return about how many tokens the model reads. Files count for what is in them, not for how they are sent."""
    media = [part for message in request.messages for part in message.parts if isinstance(part, Media)]
    characters = request.characters - sum(len(one.data) for one in media)
    return -(-characters // CHARACTERS_PER_TOKEN) + sum(map(_tokens, media))


def _tokens(media: Media) -> int:
    if media.media_type.startswith("image/"):
        return IMAGE
    if media.media_type.startswith("text/"):
        return len(media.data) * 3 // 4 // CHARACTERS_PER_TOKEN
    return len(media.data) // CHARACTERS_OF_A_DOCUMENT
