internal import CTokencertOpenSSL

extension NamedCurve {
    /// Converts a point to uncompressed form, which begins with 04 (SEC 1, section 2.3.3).
    ///
    /// Returns nil if the bytes are not a point. Whether a point that is already uncompressed lies
    /// on the curve is not checked.
    func uncompressed(_ point: [UInt8]) -> [UInt8]? {
        let length = 2 * coordinateLength + 1
        if point.first == 4 { return point.count == length ? point : nil }
        defer { ERR_clear_error() }
        guard let group = unsafe EC_GROUP_new_by_curve_name(OBJ_txt2nid(objectIdentifier)) else {
            return nil
        }
        defer { unsafe EC_GROUP_free(group) }
        guard let read = unsafe EC_POINT_new(group) else { return nil }
        defer { unsafe EC_POINT_free(read) }
        var result = [UInt8](repeating: 0, count: length)
        guard unsafe EC_POINT_oct2point(group, read, point, point.count, nil) == 1,
            unsafe EC_POINT_point2oct(
                group, read, POINT_CONVERSION_UNCOMPRESSED, &result, length, nil) == length
        else { return nil }
        return result
    }
}
