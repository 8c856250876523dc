"""Claims of the other posts of the anracom series."""

from claims import untestable

untestable(
    "series-other-posts", "What posts II, VI and VIII to XIII measured",
    "Their texts are not among the sources that this ledger was made from; the course knows them "
    "from what posts I, III, IV, V and VII say of them.",
    source="anracom-vae-6", where="posts II, VI and VIII to XIII",
    claim="Figures of the posts that the course cites but could not read.",
    chapters=("outputs", "training-step"),
)  # fmt: skip
