"""From a tree to a running stack and back: preflight, images, bring-up, tear-down. It judges nothing."""
