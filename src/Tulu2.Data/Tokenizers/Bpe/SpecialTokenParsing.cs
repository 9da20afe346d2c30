namespace Tulu2.Data.Tokenizers.Bpe;

/// <summary>What becomes of special tokens (such as <c>&lt;/s&gt;</c>) that are written out in a text.</summary>
public enum SpecialTokenParsing
{
    /// <summary>They are ordinary text. The only safe choice for what users and data say.</summary>
    Never,

    /// <summary>They become their ids; the word boundary stands only at the start of the whole text (the non-legacy form).</summary>
    Literal,

    /// <summary>What Hugging Face's library does with the file: they become their ids, and the text after each gets the word boundary again.</summary>
    Library,
}
