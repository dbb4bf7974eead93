"""How a status page looks, and the few lines with which it says by itself that it is old (law 12).

Both are the same on every page, so that a Content-Security-Policy can name them by their hashes.
"""

from __future__ import annotations

import base64
import hashlib

STYLE = """
:root{color-scheme:light dark;--fg:#1f2328;--bg:#fff;--soft:#59636e;--line:#d1d9e0;--card:#f6f8fa;--link:#0550ae;
--up:#1a7f37;--deg:#9a6700;--down:#cf222e;--none:#818b98;--warn:#fff8c5}
@media(prefers-color-scheme:dark){:root{--fg:#e6edf3;--bg:#0d1117;--soft:#9198a1;--line:#3d444d;--card:#151b23;
--link:#79c0ff;--up:#3fb950;--deg:#d29922;--down:#ff7b72;--none:#7d8590;--warn:#3a2d00}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:56rem;font:1rem/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);
overflow-wrap:anywhere}
h1{font-size:1.4rem;margin:.2rem 0}h2{font-size:1.15rem;margin:2rem 0 .5rem}h3{font-size:1rem;margin:0}
p{margin:.3rem 0}a{color:var(--link)}
ul{list-style:none;margin:0;padding:0}
li{border:1px solid var(--line);border-radius:.5rem;padding:.5rem .8rem;margin:.6rem 0;
display:flex;flex-wrap:wrap;column-gap:.8rem;justify-content:space-between;align-items:baseline}
li>p,li>svg{flex:0 0 100%}li>p{margin:.15rem 0}
footer{margin-top:2rem;border-top:1px solid var(--line);padding-top:.5rem}
.lead{font-size:1.1rem;font-weight:600;border-left:.4rem solid;padding:.5rem .8rem;background:var(--card)}
.soft{color:var(--soft);font-size:.875rem}
.up{color:var(--up)}.degraded{color:var(--deg)}.down{color:var(--down)}.unknown{color:var(--soft)}
.lead{color:var(--fg)}.lead.up{border-color:var(--up)}.lead.degraded{border-color:var(--deg)}
.lead.down{border-color:var(--down)}.lead.unknown{border-color:var(--none)}
.state{font-weight:600}
.old{border:2px solid var(--deg);background:var(--warn);padding:.6rem .8rem;font-weight:600}
svg{display:block;width:100%;height:2rem;margin:.4rem 0 .1rem}
path{fill:none;stroke-width:3}
.u{stroke:var(--up)}.g{stroke:var(--deg)}.d{stroke:var(--down)}.n{stroke:var(--none);stroke-opacity:.45}
[data-says]::after{content:attr(data-says)}
.k{white-space:nowrap;margin-right:.4rem}.k i{display:inline-block;width:.8rem;height:.8rem;margin-right:.2rem}
.ku{background:var(--up)}.kg{background:var(--deg)}.kd{background:var(--down)}
.kn{background:var(--none);opacity:.45}
"""

SCRIPT = """
(function(){var b=document.body,p=document.getElementById("old");
function look(){var age=(Date.now()-Date.parse(b.dataset.written))/1000,most=Number(b.dataset.stale);
var text="";
if(age>most)text="This page is old: it was written "+words(age)+" ago, and what it says may no longer hold. "
+"Load it again; if it is still old then, nobody is writing it.";
if(age<-most)text="This page says that it was written "+words(-age)+" from now: its clock or yours is wrong.";
if(p.textContent!==text)p.textContent=text;p.hidden=!text}
function words(s){var m=Math.floor(s/60);if(m<120)return m+" min";var h=Math.floor(m/60);
return h<48?h+" h":Math.floor(h/24)+" days"}
look();setInterval(look,10000);document.addEventListener("visibilitychange",look)})();
"""


def policy() -> str:
    """Return the Content-Security-Policy (level 3) that lets a page do no more than it does."""
    return (
        f"default-src 'none'; style-src '{_digest(STYLE)}'; script-src '{_digest(SCRIPT)}'; base-uri 'none'; "
        "form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
