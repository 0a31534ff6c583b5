import Testing
import TokencertPlatform

@testable import TokencertHTTP

/// Addresses that are refused before anything is sent. No test here opens a connection.
@Suite struct AddressTests {
    /// The methods of a request.
    private enum Method: CaseIterable {
        case get, post
    }

    /// The error with which a client without trust anchors rejects an address.
    private func refusal(_ url: String, _ method: Method) -> HTTPError? {
        do throws(HTTPError) {
            var client = try HTTPClient(anchorsPEM: "", userAgent: "test")
            switch method {
            case .get: _ = try client.get(url)
            case .post:
                _ = try client.post(to: url, form: Secret(copying: Array("password=31415926".utf8)))
            }
            return nil
        } catch {
            return error
        }
    }

    /// The error with which a client that does not verify servers rejects an address.
    private func unverifiedRefusal(_ url: String, _ method: Method) -> HTTPError? {
        do throws(HTTPError) {
            var client = try UnverifiedHTTPClient(userAgent: "test")
            switch method {
            case .get: _ = try client.get(url)
            case .post: _ = try client.post(to: url, [1], contentType: "text/plain")
            }
            return nil
        } catch {
            return error
        }
    }

    private func expectRefused(_ error: HTTPError?, _ url: String, isByLibrary: Bool) {
        #expect(error?.code == .invalidURL, "\(url): \(String(describing: error))")
        #expect(error?.mayHaveBeenSent == false && error?.partialAnswer.isEmpty == true, "\(url)")
        #expect(error?.partialStatus == nil && error?.reason.contains("31415926") == false)
        #expect((error?.curlCode != nil) == isByLibrary, "\(url)")
    }

    // Otherwise the password is sent unencrypted.
    @Test("A client that sends passwords accepts only https addresses")
    func httpsOnly() {
        for url in [
            "", "localhost", "//localhost", "http://localhost:1/", "HTTP://localhost:1/",
            "http://https://localhost:1", "https:/localhost", "https:localhost", "https",
            " https://localhost:1", "httpss://localhost:1", "xhttps://localhost:1",
            "ftp://localhost:1", "file:///etc/passwd", "ldap://localhost:1", "https;//localhost",
        ] {
            for method in Method.allCases {
                let error = refusal(url, method)
                expectRefused(error, url, isByLibrary: false)
                #expect(error?.reason == "\(url) is not an https:// address")
            }
        }
    }

    // Otherwise an address in a certificate can read a file of this machine.
    @Test("A client that does not verify servers accepts only http and https addresses")
    func webOnly() {
        for url in [
            "", "localhost", "//localhost", "http:/localhost", "ftp://localhost:1",
            "file:///etc/passwd", "FILE:///etc/passwd", "ldap://localhost:1", "gopher://localhost",
            "dict://localhost:1", "smtp://localhost:1", " http://localhost:1", "httpx://localhost",
        ] {
            for method in Method.allCases {
                let error = unverifiedRefusal(url, method)
                expectRefused(error, url, isByLibrary: false)
                #expect(error?.reason == "\(url) is not an http:// or https:// address")
            }
        }
    }

    // Otherwise the error reports that the server is unreachable, and the user waits for it.
    @Test("An address without a valid host or port is reported as invalid, not as unreachable")
    func malformed() {
        for rest in ["", "/", ":443/", "[::1", "[::1]x/", "local host/", "localhost:99999/"] {
            for method in Method.allCases {
                let url = "https://" + rest
                expectRefused(refusal(url, method), url, isByLibrary: true)
                for url in ["https://" + rest, "http://" + rest] {
                    expectRefused(unverifiedRefusal(url, method), url, isByLibrary: true)
                }
            }
        }
    }

    // Otherwise the password of a proxy appears in errors, in the journal and in the mail of a hook.
    @Test("The address of a proxy does not appear in messages")
    func proxies() {
        for (message, expected) in [
            (
                "Unsupported proxy syntax in 'http://user:it's@bad host'",
                "Unsupported proxy syntax in the address of the proxy"
            ),
            (
                "Unsupported proxy scheme for 'ftp://user:secret@proxy.corp'",
                "Unsupported proxy scheme for the address of the proxy"
            ), ("Could not resolve proxy: proxy.corp", "Could not resolve proxy: proxy.corp"),
            ("Could not resolve host: 'a'", "Could not resolve host: 'a'"),
        ] {
            #expect(withoutProxyAddress(message) == expected)
        }
    }
}
