using Tulu2.Files;

namespace Tulu2.Evaluation.Judges.Endpoint;

/// <summary>An OpenAI-compatible endpoint and the model that it is asked for.</summary>
/// <param name="Base">As <c>https://api.openai.com/v1</c>.</param>
internal sealed record EndpointAddress(Uri Base, string Model)
{
    /// <exception cref="BadInputException">It is not an address with a model behind <c>#</c>.</exception>
    public static EndpointAddress Of(JudgeSpec spec)
    {
        var (address, model) = spec.Text.Split('#', 2) is [var before, { Length: > 0 } behind] ? (before, behind)
            : throw new BadInputException(spec.Where, "names no model", "write it behind #, as in https://api.openai.com/v1#gpt-4-0613");
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Host.Length == 0 || uri.Query.Length > 0)
            throw new BadInputException(spec.Where, "is not the address of an endpoint", "give one such as https://api.openai.com/v1#gpt-4-0613");
        if (uri.UserInfo.Length > 0) throw new BadInputException($"--judge {spec.Role}", "has a password in its address", "give the key with --judge-key-file or TULU2_JUDGE_KEY");
        return new EndpointAddress(uri, model);
    }

    /// <summary>
    /// Whether an answer is of the model that was asked for: the same name, or, where that is an alias, one of its dated versions (<c>gpt-4</c> and
    /// <c>gpt-4-0613</c>; not <c>gpt-4-turbo</c>).
    /// </summary>
    public bool IsAnsweredBy(string model) =>
        model == Model || model.StartsWith(Model + "-", StringComparison.Ordinal) && model[(Model.Length + 1)..].All(character => char.IsAsciiDigit(character) || character == '-');
}
