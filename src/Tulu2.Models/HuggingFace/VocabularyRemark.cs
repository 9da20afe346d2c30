using System.Globalization;
using Tulu2.Files;

namespace Tulu2.Models.HuggingFace;

/// <summary>The remark where tokenizer and model have vocabularies of different sizes, which is often intended.</summary>
public static class VocabularyRemark
{
    /// <returns>One sentence, or none where the sizes are equal.</returns>
    public static IEnumerable<string> Of(int model, int tokenizer)
    {
        if (model > tokenizer)
            yield return string.Create(CultureInfo.InvariantCulture,
                $"the model has {NumberText.Count(model - tokenizer, "row")} beyond the tokenizer's {tokenizer:N0} ids: what is there stays as it is and is never generated");
        if (model < tokenizer)
            yield return string.Create(CultureInfo.InvariantCulture,
                $"the tokenizer has {NumberText.Count(tokenizer - model, "id")} beyond the model's {model:N0}: text that needs one of them is refused");
    }
}
