using Tulu2.Files;
using Tulu2.Hub.References;
using Tulu2.Hub.Settings;

namespace Tulu2.Hub.Http;

/// <summary>
/// The hub's refusals as what the user can mend. The codes are those of huggingface_hub (utils/_http.py): without a token the hub answers 401 for repositories
/// that are missing, private or gated alike, so that nobody learns which.
/// </summary>
internal static class Refusal
{
    private const string TokenPage = "settings/tokens";

    /// <param name="file">The file that was asked for; null: the repository.</param>
    public static BadInputException Of(HubAnswer answer, HubReference reference, string? file, HubSettings settings)
    {
        var where = file is null ? reference.RepositoryText : reference.TextOf(file);
        var page = $"{settings.Endpoint}/{(reference.Kind == RepositoryKind.Dataset ? "datasets/" : "")}{reference.Repository}";
        var (what, fix) = (answer.ErrorCode, answer.Status) switch
        {
            ("GatedRepo", _) => Gated(page, settings),
            ("RevisionNotFound", _) => ($"there is no revision '{reference.RevisionOrDefault}'",
                $"see {page}/refs for branches and tags, or leave the revision out"),
            ("EntryNotFound", _) => ("the repository has no such file", $"see {page}/tree/{reference.RevisionOrDefault}"),
            (_, 401) when IsBadToken(answer) => ("the hub does not accept the token",
                $"make a new one at {settings.Endpoint}/{TokenPage} and set HF_TOKEN, or unset it where the repository is public"),
            ("RepoNotFound", _) or (_, 401 or 404) => Missing(reference, settings),
            (_, 403) => ($"the hub forbids it{Said(answer)}", settings.Token is null
                ? $"set HF_TOKEN to a token that may read it ({settings.Endpoint}/{TokenPage})" : "use a token that has the permission to read it (HF_TOKEN)"),
            _ => ($"the hub answers {answer.Status}{Said(answer)}", $"check the name, and HF_ENDPOINT ({settings.Endpoint})"),
        };
        return new BadInputException(where, what, fix);
    }

    private static (string What, string Fix) Gated(string page, HubSettings settings) => settings.Token is null
        ? ("is gated: its owner wants the licence accepted, by name",
            $"accept it at {page}, and set HF_TOKEN to a token of that account ({settings.Endpoint}/{TokenPage})")
        : ("is gated, and the account of the token has no access to it (yet)",
            $"accept the licence at {page}, wait where the owner has to agree, and let the token read gated repositories ({settings.Endpoint}/{TokenPage})");

    private static (string What, string Fix) Missing(HubReference reference, HubSettings settings) => settings.Token is null
        ? ("there is no such repository, or it is private or gated",
            $"check the name; where it is right, set HF_TOKEN to a token that may read it ({settings.Endpoint}/{TokenPage})")
        : ("there is no such repository, or the token may not read it", reference.Kind == RepositoryKind.Model
            ? "check the name and the token's permissions; a data set is named hf://datasets/ORG/NAME" : "check the name and the token's permissions");

    private static bool IsBadToken(HubAnswer answer) => answer.ErrorMessage?.Contains("Invalid credentials", StringComparison.OrdinalIgnoreCase) == true;

    private static string Said(HubAnswer answer) => answer.ErrorMessage is { Length: > 0 } message ? $": {message.TrimEnd('.')}" : "";
}
