"""The 3,500 common Chinese characters, as they are officially listed and as captcha_trainer lists them.

`common_characters.txt` is the official list of common characters in modern Chinese, published in 1988 by the State
Language Commission and the State Education Commission of China: 2,500 common and 1,000 less common characters, each
part in its own order, 50 a line here. captcha_trainer's list is that one with three slips, and its graphs number their
classes by it. The tests hold both of its generations to the SHA-256 of the originals.
"""

import importlib.resources

OFFICIAL = "".join(importlib.resources.files("contract").joinpath("common_characters.txt").read_text("utf-8").split())

# In the early generation 了 stands a second time in place of 瞭, 啰 is missing, and 圳 was put behind.
EARLY = OFFICIAL.replace("瞭", "了").replace("啰", "") + "圳"

LATER = EARLY + "珏蕙旻涅攸嘛醪缪噗瞨靳帷徨"
