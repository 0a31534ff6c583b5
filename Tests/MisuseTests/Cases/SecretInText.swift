import TokencertPlatform

func leak(_ secret: borrowing Secret) -> String {
    "\(secret)"
}
