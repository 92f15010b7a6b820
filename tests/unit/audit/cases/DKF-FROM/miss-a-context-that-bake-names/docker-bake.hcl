target "app" {
  contexts = {
    frontend = "target:ui"
  }
}
