namespace Tulu2.Data.Tokenizers.Bpe;

/// <summary>How special tokens (such as <c>&lt;/s&gt;</c>) in a text are treated.</summary>
public enum SpecialTokenParsing
{
    /// <summary>They are ordinary text: the only safe choice for the text of users and data.</summary>
    Never,

    /// <summary>They become their ids; the word boundary is added only at the start of the whole text (the non-legacy form).</summary>
    Literal,

    /// <summary>As Hugging Face's library does with this file: they become their ids, and the word boundary is added again after each.</summary>
    Library,
}
