"""Every refusal the store can give, one class per code.

The class name is the S3 error code (AWS, "Error responses"). What the REST dialect
says otherwise (``001`` API reference, "Common Error Codes") stands on the class too,
so a dialect only renders.
"""

from __future__ import annotations

from typing import ClassVar


class ObjectStoreError(Exception):
    """A refusal the caller can act on. Each dialect renders it; none decides it."""

    status: ClassVar[int] = 400
    message: ClassVar[str] = "The request is not valid."
    rest_code: ClassVar[str] = ""
    rest_message: ClassVar[str] = ""
    rest_status: ClassVar[int] = 0
    s3_code: ClassVar[str] = ""

    def __init__(self, message: str = "", /, **details: object) -> None:
        self.text = message or self.message
        self.details = details
        super().__init__(self.text)

    @property
    def code(self) -> str:
        """The S3 code."""
        return self.s3_code or type(self).__name__

    @property
    def code_in_rest(self) -> str:
        return self.rest_code or self.code

    @property
    def text_in_rest(self) -> str:
        is_general = self.text == self.message
        return self.rest_message or self.text if is_general else self.text

    @property
    def status_in_rest(self) -> int:
        return self.rest_status or self.status


# Malformed requests


class InvalidRequest(ObjectStoreError):
    """The request is malformed or combines what cannot be combined."""


class BadRequest(ObjectStoreError):
    """A CORS preflight that does not say what it asks for."""

    rest_code = "InvalidRequest"


class InvalidArgument(ObjectStoreError):
    """One argument has a value that is not allowed."""

    rest_code = "InvalidRequest"
    message = "Invalid Argument"


class InvalidPartNumber(InvalidArgument):
    """A part number outside 1 to 10,000."""

    s3_code = "InvalidArgument"
    rest_code = "InvalidPartNumber"
    message = "Part number must be an integer between 1 and 10000, inclusive."


class InvalidCopyRange(InvalidArgument):
    """The range of a copy does not lie inside its source."""

    s3_code = "InvalidArgument"


class InvalidChecksumValue(InvalidRequest):
    """A checksum is not the base64 of as many bytes as its algorithm has."""

    s3_code = "InvalidRequest"
    rest_code = "InvalidRequest"


class InvalidURI(ObjectStoreError):
    """The path cannot be read, for example because it is not UTF-8."""

    rest_code = "InvalidObjectKey"
    message = "Couldn't parse the specified URI."


class InvalidBucketName(ObjectStoreError):
    """The name breaks the rules for bucket names."""

    message = "The specified bucket is not valid."


class InvalidObjectKey(ObjectStoreError):
    """The key holds characters that no dialect can carry."""

    s3_code = "InvalidArgument"
    rest_code = "InvalidObjectKey"
    message = "The object key contains characters that are not allowed."


class KeyTooLongError(ObjectStoreError):
    """The key is longer than 1,024 bytes of UTF-8."""

    rest_code = "InvalidObjectKey"
    message = "Your key is too long."


class InvalidDigest(ObjectStoreError):
    """Content-MD5 is not the base64 of 16 bytes."""

    rest_code = "InvalidRequest"
    message = "The Content-MD5 you specified was invalid."


class BadDigest(ObjectStoreError):
    """The bytes do not have the digest the client announced."""

    message = "The Content-MD5 you specified did not match what we received."


class XAmzContentSHA256Mismatch(ObjectStoreError):
    """The bytes do not have the SHA-256 that was signed."""

    message = (
        "The provided 'x-amz-content-sha256' header does not match what was computed."
    )


class IncompleteBody(ObjectStoreError):
    """The body ended before the declared length."""

    message = (
        "You did not provide the number of bytes specified by the "
        "Content-Length HTTP header."
    )


class MissingContentLength(ObjectStoreError):
    """The request has a body whose length is not declared."""

    status = 411
    rest_status = 400
    message = "You must provide the Content-Length HTTP header."


class RequestTimeout(ObjectStoreError):
    """The client fell silent in the midst of its request."""

    message = (
        "Your socket connection to the server was not read from or written to within "
        "the timeout period. Idle connections will be closed."
    )


class InvalidContentLength(ObjectStoreError):
    """The declared length is not a whole number of bytes."""

    s3_code = "InvalidArgument"
    rest_code = "InvalidContentLength"
    message = "The Content-Length HTTP header is not valid."


class EntityTooLarge(ObjectStoreError):
    """The body is larger than one request may carry."""

    message = "Your proposed upload exceeds the maximum allowed size"


class EntityTooSmall(ObjectStoreError):
    """A part other than the last is smaller than 5 MiB."""

    rest_code = "InvalidPartSize"
    message = "Your proposed upload is smaller than the minimum allowed size"


class MetadataTooLarge(ObjectStoreError):
    """User metadata is over 2 KiB."""

    rest_code = "InvalidRequest"
    message = "Your metadata headers exceed the maximum allowed metadata size"


class InvalidRedirectLocation(ObjectStoreError):
    """An object's redirect leads neither to a path nor to a web address."""

    rest_code = "InvalidRequest"
    message = (
        "The website redirect location must have a prefix of 'http://' or 'https://' "
        "or '/'."
    )


class RequestHeaderSectionTooLarge(ObjectStoreError):
    """The headers together are over their limit."""

    rest_code = "InvalidRequest"
    message = "Your request header section exceeds the maximum allowed size."


class MalformedXML(ObjectStoreError):
    """A document cannot be read, or is not of the published form."""

    rest_code = "InvalidRequest"
    rest_message = "The JSON you provided is not of the documented form."
    message = (
        "The XML you provided was not well-formed or did not validate against our "
        "published schema"
    )


class MalformedJSON(ObjectStoreError):
    """The JSON cannot be read, or is not of the documented form."""

    s3_code = "InvalidRequest"
    rest_code = "InvalidRequest"
    message = "The JSON you provided is not of the documented form."


class MalformedPolicy(ObjectStoreError):
    """A policy document breaks the grammar."""

    rest_code = "MalformedPolicy"
    message = "Policies must be valid JSON and the first byte must be '{'"


class MalformedPolicyDocument(ObjectStoreError):
    """An identity policy breaks the grammar (the IAM dialect's code)."""

    message = "Syntax errors in policy."


class ValidationError(ObjectStoreError):
    """A parameter of the query API breaks its constraints."""


class MissingAction(ObjectStoreError):
    """A call of the query API does not say what it asks for."""

    message = "The request must contain the parameter Action."


class PackedPolicyTooLarge(ObjectStoreError):
    """A session's policies and tags do not fit into its token."""

    message = "The session's policies and tags are too large together."


class MalformedPOSTRequest(ObjectStoreError):
    """A form upload is not well-formed multipart/form-data."""

    message = "The body of your POST request is not well-formed multipart/form-data."


class MaxPostPreDataLengthExceededError(ObjectStoreError):
    """A form has too much before its file."""

    message = "Your POST request fields preceding the upload file were too large."


class InvalidPolicyDocument(ObjectStoreError):
    """The policy of a form upload breaks its grammar."""

    message = "The content of the form does not meet the conditions of its policy."


class MalformedTrailerError(ObjectStoreError):
    """The trailer of a chunked body is not the one that was announced."""

    message = (
        "The request contained trailing data that was not well-formed or did not "
        "conform to our published schema."
    )


class MalformedACLError(ObjectStoreError):
    """An access control list breaks its schema."""

    message = (
        "The XML you provided was not well-formed or did not validate against our "
        "published schema"
    )


class InvalidTag(ObjectStoreError):
    """A tag breaks the rules for keys, values or their number."""

    message = "The tag provided was not a valid tag."


class TooManyTags(InvalidTag):
    """An object has more than 10 tags, or a bucket more than 50."""

    s3_code = "BadRequest"
    rest_code = "InvalidTag"


class InvalidStorageClass(ObjectStoreError):
    """No storage class has this name."""

    rest_code = "InvalidRequest"
    message = "The storage class you specified is not valid"


class UnexpectedContent(ObjectStoreError):
    """The request has a body beside headers that say the same."""

    rest_code = "InvalidRequest"
    message = "This request does not support content"


class InvalidBucketOwnerAWSAccountID(ObjectStoreError):
    """The owner that a bucket is expected to have is no account's number."""

    rest_code = "InvalidRequest"


class InvalidLocationConstraint(ObjectStoreError):
    """The region cannot hold this bucket."""

    rest_code = "InvalidRequest"
    message = "The specified location-constraint is not valid"


class IllegalLocationConstraintException(ObjectStoreError):
    """The region is not the endpoint's."""

    message = (
        "The location constraint is incompatible for the region specific endpoint "
        "this request was sent to."
    )


class IllegalVersioningConfigurationException(ObjectStoreError):
    """The versioning state is neither Enabled nor Suspended."""

    message = (
        "The Versioning element must be specified with a Status of Enabled or "
        "Suspended."
    )


class InvalidBucketState(ObjectStoreError):
    """The bucket's configuration forbids this change."""

    status = 409
    message = "The request is not valid for the current state of the bucket."


class InvalidPart(ObjectStoreError):
    """A listed part is missing, or its ETag is another."""

    message = (
        "One or more of the specified parts could not be found. The part may not "
        "have been uploaded, or the specified entity tag may not match the part's "
        "entity tag."
    )


class InvalidPartOrder(ObjectStoreError):
    """The parts are not listed in ascending order."""

    rest_code = "InvalidRequest"
    message = (
        "The list of parts was not in ascending order. Parts must be ordered by part "
        "number."
    )


class InvalidEncryptionAlgorithmError(ObjectStoreError):
    """The server side encryption asked for is not known."""

    message = (
        "The Encryption request you specified is not valid. Supported value: AES256."
    )


class KMSNotFoundException(ObjectStoreError):
    """No encryption key has this name."""

    s3_code = "KMS.NotFoundException"
    rest_code = "InvalidRequest"
    message = "The key id does not exist."


class ServerSideEncryptionConfigurationNotFoundError(ObjectStoreError):
    """The bucket has no default encryption."""

    status = 404
    message = "The server side encryption configuration was not found"


class InvalidTargetBucketForLogging(ObjectStoreError):
    """The target bucket cannot take logs."""

    message = "The target bucket for logging does not exist"


class UnresolvableGrantByEmailAddress(ObjectStoreError):
    """No account has this e-mail address."""

    message = "The e-mail address you provided does not match any account on record."


class AccessControlListNotSupported(ObjectStoreError):
    """The bucket's ownership setting turns ACLs off."""

    message = "The bucket does not allow ACLs"


class InvalidBucketAclWithObjectOwnership(ObjectStoreError):
    """The bucket's ACL grants what the ownership setting would turn off."""

    message = (
        "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
    )


class ObjectLockConfigurationNotFoundError(ObjectStoreError):
    """The bucket has no object lock."""

    status = 404
    message = "Object Lock configuration does not exist for this bucket"


class InvalidRetentionPeriod(ObjectStoreError):
    """The default retention is for no time, or for too long."""

    message = "Default retention period must be a positive integer value."


# Authentication and rights


class AccessDenied(ObjectStoreError):
    """No policy allows the action, or one denies it."""

    status = 403
    message = "Access Denied"


class WrongCustomerKey(AccessDenied):
    """The customer's key is not the one that the object was encrypted with."""

    s3_code = "AccessDenied"
    rest_code = "AccessDenied"
    message = (
        "Requests specifying Server Side Encryption with Customer provided keys must "
        "provide the correct secret key."
    )


class AccountProblem(ObjectStoreError):
    """The account may not be used."""

    status = 403
    message = "There is a problem with your account that prevents the operation."


class AuthenticationFailed(ObjectStoreError):
    """The bearer key or signed URL is unknown, disabled or expired."""

    s3_code = "InvalidAccessKeyId"
    status = 403
    rest_code = "AuthenticationFailed"
    rest_status = 401
    message = "The credentials are missing, unknown, disabled or expired."


class InvalidAccessKeyId(AuthenticationFailed):
    """No active access key has this id."""

    s3_code = "InvalidAccessKeyId"
    message = "The AWS Access Key Id you provided does not exist in our records."


class SignatureDoesNotMatch(AuthenticationFailed):
    """The signature is not the one we calculate."""

    s3_code = "SignatureDoesNotMatch"
    message = (
        "The request signature we calculated does not match the signature you "
        "provided. Check your key and signing method."
    )


class InvalidToken(AuthenticationFailed):
    """The session token is malformed or not ours."""

    s3_code = "InvalidToken"
    status = 400
    message = "The provided token is malformed or otherwise invalid."


class ExpiredToken(AuthenticationFailed):
    """The session token has expired."""

    s3_code = "ExpiredToken"
    status = 400
    message = "The provided token has expired."


class RequestTimeTooSkewed(AuthenticationFailed):
    """The request's time is over 15 minutes from ours."""

    s3_code = "RequestTimeTooSkewed"
    message = (
        "The difference between the request time and the current time is too large."
    )


class AuthorizationHeaderMalformed(AuthenticationFailed):
    """The Authorization header cannot be read."""

    s3_code = "AuthorizationHeaderMalformed"
    status = 400
    message = "The authorization header is malformed."


class AuthorizationQueryParametersError(AuthenticationFailed):
    """The query parameters of a presigned URL cannot be read."""

    s3_code = "AuthorizationQueryParametersError"
    status = 400
    message = "Error parsing the X-Amz-Credential parameter."


class MissingAuthenticationToken(ObjectStoreError):
    """A call of the query API names nobody who makes it."""

    status = 403
    message = "The request must contain a valid access key id and signature."


class MissingSecurityHeader(ObjectStoreError):
    """A header that the operation requires is absent."""

    message = "Your request is missing a required header."


class AccessForbidden(ObjectStoreError):
    """A CORS preflight that no rule allows."""

    status = 403
    message = "CORSResponse: This CORS request is not allowed."


# Things that are not there


class NoSuchBucket(ObjectStoreError):
    """No bucket has this name."""

    status = 404
    rest_code = "BucketNotFound"
    message = "The specified bucket does not exist"


class NoSuchKey(ObjectStoreError):
    """The key has no current version, or its current version is a delete marker."""

    status = 404
    rest_code = "ObjectNotFound"
    message = "The specified key does not exist."


class NoSuchVersion(ObjectStoreError):
    """The key has no version with this id."""

    status = 404
    rest_code = "ObjectNotFound"
    message = "The specified version does not exist."


class NoSuchUpload(ObjectStoreError):
    """No multipart upload of this key has this id."""

    status = 404
    rest_code = "UploadNotFound"
    message = (
        "The specified upload does not exist. The upload ID may be invalid, or the "
        "upload may have been aborted or completed."
    )


class NoSuchBucketPolicy(ObjectStoreError):
    """The bucket has no policy."""

    status = 404
    message = "The bucket policy does not exist"


class NoSuchCORSConfiguration(ObjectStoreError):
    """The bucket has no CORS rules."""

    status = 404
    message = "The CORS configuration does not exist"


class NoSuchLifecycleConfiguration(ObjectStoreError):
    """The bucket has no lifecycle rules."""

    status = 404
    message = "The lifecycle configuration does not exist"


class NoSuchTagSet(ObjectStoreError):
    """The bucket has no tags."""

    status = 404
    message = "The TagSet does not exist"


class NoSuchWebsiteConfiguration(ObjectStoreError):
    """The bucket is not a website."""

    status = 404
    message = "The specified bucket does not have a website configuration"


class NoSuchPublicAccessBlockConfiguration(ObjectStoreError):
    """The bucket has no public access block."""

    status = 404
    message = "The public access block configuration was not found"


class NoSuchObjectLockConfiguration(ObjectStoreError):
    """The object has no retention or legal hold."""

    status = 404
    message = "The specified object does not have a ObjectLock configuration"


class OwnershipControlsNotFoundError(ObjectStoreError):
    """The bucket has no ownership controls."""

    status = 404
    message = "The bucket ownership controls were not found"


class NoSuchEntity(ObjectStoreError):
    """No user, group, policy, role or key has this name (the IAM dialect's code)."""

    status = 404
    message = "The entity does not exist."


class EntityAlreadyExists(ObjectStoreError):
    """A user, group, policy, role or key has this name already."""

    status = 409
    message = "The entity already exists."


class DeleteConflict(ObjectStoreError):
    """The entity still has subordinate entities."""

    status = 409
    message = "The entity must be emptied of its subordinates first."


class LimitExceeded(ObjectStoreError):
    """The account or the user has as many as it may have."""

    status = 409
    message = "The quota does not allow another one."


# States and conditions


class MethodNotAllowed(ObjectStoreError):
    """The method is not allowed against this resource."""

    status = 405
    message = "The specified method is not allowed against this resource."


class NotAcceptable(ObjectStoreError):
    """None of the offered representations is acceptable."""

    status = 406
    rest_code = "InvalidRequest"
    rest_status = 400
    message = "No representation that you accept can be given."


class UnsupportedMediaType(ObjectStoreError):
    """The body is of a type the endpoint does not read."""

    status = 415
    rest_code = "InvalidRequest"
    rest_status = 400
    message = "The content type of the body is not supported. Send application/json."


class BucketAlreadyExists(ObjectStoreError):
    """Another account has a bucket of this name."""

    status = 409
    message = (
        "The requested bucket name is not available. The bucket namespace is shared "
        "by all users of the system. Select a different name and try again."
    )


class BucketAlreadyOwnedByYou(ObjectStoreError):
    """The caller's account has this bucket already."""

    status = 409
    rest_code = "BucketAlreadyExists"
    message = (
        "Your previous request to create the named bucket succeeded and you already "
        "own it."
    )


class BucketNotEmpty(ObjectStoreError):
    """The bucket still has versions or delete markers."""

    status = 409
    message = "The bucket you tried to delete is not empty"


class TooManyBuckets(ObjectStoreError):
    """The account has as many buckets as it may."""

    message = "You have attempted to create more buckets than allowed"


class OperationAborted(ObjectStoreError):
    """A conflicting operation is under way."""

    status = 409
    message = "A conflicting conditional operation is currently in progress."


class ConditionalRequestConflict(ObjectStoreError):
    """The object changed while a conditional write was under way."""

    status = 409
    rest_code = "PreconditionFailed"
    rest_status = 412
    message = (
        "The conditional request cannot succeed due to a conflicting operation against "
        "this resource."
    )


class PreconditionFailed(ObjectStoreError):
    """A condition of the request does not hold."""

    status = 412
    message = "At least one of the pre-conditions you specified did not hold"


class NotModified(ObjectStoreError):
    """The client's copy is current (RFC 9110, 15.4.5). Rendered without a body."""

    status = 304
    message = "Not Modified"


class InvalidRange(ObjectStoreError):
    """The range starts past the end of the object."""

    status = 416
    message = "The requested range is not satisfiable"


class InvalidPartNumberRange(ObjectStoreError):
    """The object has no such part."""

    status = 416
    s3_code = "InvalidPartNumber"
    rest_code = "InvalidRange"
    message = "The requested partnumber is not satisfiable"


class InvalidObjectState(ObjectStoreError):
    """The object is archived and not restored."""

    status = 403
    message = "The operation is not valid for the object's storage class"


class RestoreAlreadyInProgress(ObjectStoreError):
    """The object is being restored."""

    status = 409
    message = "Object restore is already in progress"


class QuotaExceeded(ObjectStoreError):
    """The write would take the bucket or account over its quota."""

    status = 403
    message = "The write would exceed the quota."


class PermanentRedirect(ObjectStoreError):
    """The bucket must be addressed with another endpoint."""

    status = 301
    message = (
        "The bucket you are attempting to access must be addressed using the "
        "specified endpoint."
    )


# The server's own


class TooManyRequests(ObjectStoreError):
    """The key has used its rate limit up."""

    s3_code = "SlowDown"
    status = 503
    rest_code = "TooManyRequests"
    rest_status = 429
    message = "Please reduce your request rate."


class InternalError(ObjectStoreError):
    """Something failed that the caller cannot mend."""

    status = 500
    message = "We encountered an internal error. Please try again."


class NotImplemented(ObjectStoreError):  # AWS's name for the code
    """The operation or header is known, and not there."""

    status = 501
    message = (
        "A header or operation you provided implies functionality that is not "
        "implemented"
    )


class ServiceUnavailable(ObjectStoreError):
    """A part the store needs does not answer; trying again may help."""

    status = 503
    message = "Service is unable to handle request. Please try again."


class InsufficientStorage(ObjectStoreError):
    """There is no room for the bytes."""

    status = 507
    message = "There is not enough storage space to complete the request."
