import Secrets

func leak(_ secret: borrowing Secret) -> String {
    "\(secret)"
}
