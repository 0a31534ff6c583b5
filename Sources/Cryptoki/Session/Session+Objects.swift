extension Session {
    /// Finds the objects that have all attributes of a template.
    ///
    /// The search is over when this returns, so objects may then be created and destroyed. The C
    /// functions are `C_FindObjectsInit`, `C_FindObjects` and `C_FindObjectsFinal` (PKCS#11 v2.40,
    /// section 5.7).
    ///
    /// - Parameter template: What the objects must have; an empty template finds every object.
    /// - Returns: The objects, in the module's order, which may differ from one process to the next.
    /// - Throws: ``CryptokiError``.
    public mutating func findObjects(
        _ template: Template = Template()
    ) throws(CryptokiError) -> [ObjectHandle] {
        try functions.findObjects(handle, template)
    }

    /// Reads attributes of an object, in one call where the module allows it.
    ///
    /// The C function is `C_GetAttributeValue` (section 5.7).
    ///
    /// - Parameters:
    ///   - object: The object.
    ///   - types: Which attributes.
    /// - Returns: The attributes that the object has and the module gives out.
    /// - Throws: ``CryptokiError``, but not for an attribute that is absent or sensitive.
    public mutating func attributes(
        of object: ObjectHandle, _ types: [AttributeType]
    ) throws(CryptokiError) -> Attributes {
        try functions.attributes(handle, object, types)
    }
}

extension Session where Access == ReadWrite {
    /// Makes an object of a template.
    ///
    /// The C function is `C_CreateObject` (section 5.7). Some modules leave a half-made object
    /// behind when they refuse.
    ///
    /// - Parameter template: The whole object.
    /// - Returns: The object.
    /// - Throws: ``CryptokiError``.
    public mutating func createObject(
        _ template: Template
    ) throws(CryptokiError) -> ObjectHandle {
        try functions.createObject(handle, template)
    }

    /// Destroys an object for good.
    ///
    /// The C function is `C_DestroyObject` (section 5.7). Only a conforming module has removed the
    /// object when this returns: look for it in a new session.
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
