extension Session {
    /// Finds the objects that match all attributes of a template.
    ///
    /// The search has ended when this returns, so you can create and destroy objects afterwards.
    /// The C functions are `C_FindObjectsInit`, `C_FindObjects` and `C_FindObjectsFinal` (PKCS#11
    /// v2.40, section 5.7).
    ///
    /// - Parameter template: The attributes to match; an empty template finds every object.
    /// - Returns: The objects, in the module's order, which may differ from one process to the
    ///   next.
    /// - Throws: ``CryptokiError``.
    public mutating func findObjects(
        _ template: Template = Template()
    ) throws(CryptokiError) -> [ObjectHandle] {
        try functions.findObjects(handle, template)
    }

    /// Reads attributes of an object, in one call if the module allows it.
    ///
    /// The C function is `C_GetAttributeValue` (section 5.7).
    ///
    /// - Parameters:
    ///   - object: The object.
    ///   - types: The attributes to read.
    /// - Returns: The attributes that the object has and the module reveals.
    /// - Throws: ``CryptokiError``, except for an attribute that is absent or sensitive.
    public mutating func attributes(
        of object: ObjectHandle, _ types: [AttributeType]
    ) throws(CryptokiError) -> Attributes {
        try functions.attributes(handle, object, types)
    }
}

extension Session where Access == ReadWrite {
    /// Creates an object from a template.
    ///
    /// The C function is `C_CreateObject` (section 5.7). If the call fails, some modules leave an
    /// incomplete object behind.
    ///
    /// - Parameter template: All attributes of the object.
    /// - Returns: The object.
    /// - Throws: ``CryptokiError``.
    public mutating func createObject(
        _ template: Template
    ) throws(CryptokiError) -> ObjectHandle {
        try functions.createObject(handle, template)
    }

    /// Destroys an object permanently.
    ///
    /// The C function is `C_DestroyObject` (section 5.7). Some modules report success and keep the
    /// object; to verify, search for it in a new session.
    ///
    /// - Parameter object: The object.
    /// - Throws: ``CryptokiError``.
    public mutating func destroyObject(_ object: ObjectHandle) throws(CryptokiError) {
        try functions.destroyObject(handle, object)
    }

    /// Changes attributes of an object.
    ///
    /// The C function is `C_SetAttributeValue` (section 5.7).
    ///
    /// - Parameters:
    ///   - object: The object.
    ///   - template: The new values.
    /// - Throws: ``CryptokiError``.
    public mutating func setAttributes(
        of object: ObjectHandle, to template: Template
    ) throws(CryptokiError) {
        try functions.setAttributes(handle, object, template)
    }
}
