package llm

// ImageRequest asks for images: of a text, or made from images that it brings. Encoders never change it.
type ImageRequest struct {
	From        Dialect // the dialect it was decoded from; its Extra belongs there
	Model       string
	Kind        ImageKind
	Prompt      string
	Negative    string // what shall not be in them
	Count       int64  // how many; 0 = not said, which is one
	Size        ImageSize
	Quality     string // "" and auto = the model's choice; low medium high, standard hd
	Style       string
	Background  string // transparent opaque auto
	Format      string // png jpeg webp
	Compression Num    // of what Format says, in percent
	Return      string // ReturnURL or ReturnData; "" = not said
	Images      []Part // to be changed or varied, or that the prompt speaks of
	Mask        *ImageMask
	Fidelity    string // how closely the images brought are kept: low high
	Moderation  string // auto low
	Seed        Num
	Guidance    Num // how closely the prompt is kept to
	User        string
	Stream      bool   // the images come in a stream, each when it is ready
	Partial     int64  // unfinished images that the stream brings before
	Form        string // where its own dialect has several forms, in which it came
	Extra       Extra
}

// ImageKind is what is done.
type ImageKind string

// What is done: images of a prompt alone, of a prompt and images, and of images alone.
const (
	ImageMade   ImageKind = ""
	ImageEdited ImageKind = "edit"
	ImageVaried ImageKind = "variation"
)

// How images come back.
const (
	ReturnURL  = "url"      // as addresses
	ReturnData = "b64_json" // as base64
)

// ImageSize is how large images are, as far as it is said: in pixels, or as a shape and a class.
type ImageSize struct {
	Width, Height int64
	Aspect        string // 16:9
	Class         string // 1K 2K 4K: the length of a square's side, about
	Word          string // as its own dialect says it, where that is one word: 1024x1024, auto
}

// Said reports whether anything is said.
func (s ImageSize) Said() bool { return s.Width != 0 || s.Aspect != "" || s.Class != "" }

// ImageMask says where an image is changed.
type ImageMask struct {
	Part
	Marks MaskMark
}

// MaskMark is what of a mask says that an image is changed there.
type MaskMark string

// The marks of masks.
const (
	MarkClear MaskMark = "transparent"
	MarkBlack MaskMark = "black"
	MarkWhite MaskMark = "white"
)

// ImageResponse is the answer to ImageRequest.
type ImageResponse struct {
	From      Dialect // its Extra belongs there
	ID, Model string
	Created   Num
	Else      Else // written where the answer states none and the client's dialect demands one
	Images    []Image
	Missing   int64  // images that were asked for and not made, though others were
	Why       string // they were not
	Text      string // said beside the images
	Thoughts  bool   // thought was shown beside them
	// What was made, in the words of OpenAI's dialect, as far as the answer tells it of all.
	Size, Quality, Format, Background string
	Usage                             *Usage
	Extra                             Extra
}

// Image is one image of an answer: its base64 or its address.
type Image struct {
	Data, URL string
	Type      string // media type; "" = not said
	Revised   string // the prompt that it was made of, where that is another than was asked for
	Extra     Extra
}
