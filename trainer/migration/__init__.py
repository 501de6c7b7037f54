"""From the configs of captcha_trainer to ours, with nothing lost silently."""
