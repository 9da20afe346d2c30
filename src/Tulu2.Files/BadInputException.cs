namespace Tulu2.Files;

/// <summary>
/// Something the user gave (a recipe key, a file, a flag, a directory) cannot be used. The command line prints it as one block and ends with exit code 2.
/// </summary>
/// <param name="where">The file, line, key or flag at fault, e.g. <c>rows.jsonl:17</c> or <c>recipe.yaml:4: optimizer.beta3</c>.</param>
/// <param name="what">What is wrong with it, in lower case and without a full stop.</param>
/// <param name="fix">What the user can do about it.</param>
public sealed class BadInputException(string where, string what, string fix, Exception? inner = null)
    : Exception($"{where}: {what}", inner)
{
    public string Where { get; } = where;
    public string What { get; } = what;
    public string Fix { get; } = fix;
}
