package converse

import (
	"net/http"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/rawjson"
)

// errorHeader names the type of an error in the head of an answer.
const errorHeader = "X-Amzn-Errortype"

// exception returns this dialect's word for a fault in a whole answer.
func exception(f *fault.Fault) string {
	switch f.Kind {
	case fault.Malformed, fault.Unsupported, fault.MediaType, fault.TooLarge, fault.ContextLength, fault.ContentPolicy, fault.MethodNotAllowed:
		return "ValidationException"
	case fault.Unauthorized, fault.Forbidden:
		return "AccessDeniedException"
	case fault.UpstreamAuth:
		if f.Status() < http.StatusInternalServerError {
			return "AccessDeniedException"
		}
	case fault.NotFound:
		return "ResourceNotFoundException"
	case fault.SlowBody, fault.Timeout:
		return "ModelTimeoutException"
	case fault.RateLimit:
		return "ThrottlingException"
	case fault.Quota: // the SDKs do not try it again, as they do what is throttled
		return "ServiceQuotaExceededException"
	case fault.Overloaded, fault.Unavailable:
		return "ServiceUnavailableException"
	case fault.Upstream, fault.Cut:
		return "ModelErrorException"
	}
	return "InternalServerException"
}

// streamException returns the word for a fault within a stream, and whether the stream's model names it, as it does only
// five. A provider that refuses the credential in mid-stream has no status that says so.
func streamException(f *fault.Fault) (name string, modelled bool) {
	name = exception(f)
	if f.Kind == fault.UpstreamAuth && f.Origin == fault.There {
		name = "AccessDeniedException"
	}
	switch name {
	case "AccessDeniedException", "ResourceNotFoundException", "ServiceQuotaExceededException":
		return name, false
	case "ValidationException":
		return "validationException", true
	case "ThrottlingException":
		return "throttlingException", true
	case "ServiceUnavailableException":
		return "serviceUnavailableException", true
	case "ModelErrorException", "ModelTimeoutException":
		return "modelStreamErrorException", true
	}
	return "internalServerException", true
}

// Fault implements dialect.Dialect. The type stands in the head too (FaultHeader), where the SDKs look first.
func (converse) Fault(dst []byte, f *fault.Fault, form dialect.Form) []byte {
	if form != dialect.Whole {
		name, modelled := streamException(f)
		if !modelled { // it has another form, which the SDKs know
			return frame.AppendAWSError(dst, name, f.Message)
		}
		var w rawjson.Writer
		w.Open('{').Name("message").String(f.Message).Close('}')
		return frame.AppendAWS(dst, name, true, w.Buf)
	}
	w := rawjson.Writer{Buf: dst}
	w.Open('{').Name("message").String(f.Message).Name("__type").String(exception(f)).Close('}')
	return w.Buf
}

// FaultHeader implements dialect.FaultHeader.
func (converse) FaultHeader(h http.Header, f *fault.Fault) {
	h[errorHeader] = []string{exception(f)}
}
