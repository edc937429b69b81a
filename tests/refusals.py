"""How a configuration is refused."""

import pytest

from bpcli.errors import ConfigError
from bpcli.training.config import parse_config


def problems(text):
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "c.yaml")
    return str(caught.value).splitlines()
