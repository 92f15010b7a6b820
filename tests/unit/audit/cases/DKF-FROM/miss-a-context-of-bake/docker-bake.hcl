target "a" {
  contexts = {
    frontend = "target:fe"
  }
}
