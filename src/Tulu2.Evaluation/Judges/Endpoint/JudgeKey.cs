using Tulu2.Files;

namespace Tulu2.Evaluation.Judges.Endpoint;

/// <summary>The key that an endpoint asks for. It is sent to the endpoint and written nowhere.</summary>
internal static class JudgeKey
{
    /// <summary>What is sent where there is no key: servers of one's own want none, and the client wants something.</summary>
    public const string None = "none";

    /// <summary>
    /// The key of the file, else of TULU2_JUDGE_KEY, else of OPENAI_API_KEY. The last one belongs to OpenAI's programs and is not sent in clear text to other
    /// machines.
    /// </summary>
    /// <exception cref="BadInputException">The file cannot be read, or has no key.</exception>
    public static string Of(Uri endpoint, string? file)
    {
        if (file is not null) return OfFile(file);
        if (Environment.GetEnvironmentVariable("TULU2_JUDGE_KEY") is { Length: > 0 } own) return own.Trim();
        if (Environment.GetEnvironmentVariable("OPENAI_API_KEY") is { Length: > 0 } key && (endpoint.Scheme == Uri.UriSchemeHttps || endpoint.IsLoopback)) return key.Trim();
        return None;
    }

    private static string OfFile(string file)
    {
        try
        {
            var key = File.ReadAllText(file).Trim();
            return key.Length > 0 && !key.Any(char.IsWhiteSpace) ? key : throw new BadInputException(file, "does not hold one key", "write the key and nothing else into it");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(file, $"cannot be read: {FaultText.Of(fault)}", "give the file that holds the judge's key", fault);
        }
    }
}
