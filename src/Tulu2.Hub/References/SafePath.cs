namespace Tulu2.Hub.References;

/// <summary>Names that come from outside and become paths in the cache: none may lead out of it.</summary>
public static class SafePath
{
    /// <summary>Whether a name is a relative path, with <c>/</c> between its parts, that stays below the folder it is put into.</summary>
    public static bool IsSafe(string name) =>
        name.Length is > 0 and <= 1000 && !name.Contains('\\') && !name.Any(char.IsControl)
        && name.Split('/').All(part => part.Length is > 0 and <= 255 && part is not ("." or ".."));
}
