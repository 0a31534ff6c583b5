import Cryptoki

func confuse() {
    var template = Template()
    template[.token] = "yes"
}
