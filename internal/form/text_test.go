package form

import "testing"

func TestText(t *testing.T) {
	const ct = "multipart/form-data; boundary=b"
	body := []byte("--b\r\nContent-Disposition: form-data; name=\"size\"\r\n\r\n256x256\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n--x\x00\r\n--b--\r\n")
	if got := Text(body, ct, "size"); got != "256x256" {
		t.Errorf("%q", got)
	}
	if got := Text(body, ct, "quality"); got != "" {
		t.Errorf("%q", got)
	}
	if Text(body, "application/json", "size") != "" || Text(body[:40], ct, "size") != "" {
		t.Error("what is no form has fields")
	}
}
