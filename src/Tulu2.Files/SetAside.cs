namespace Tulu2.Files;

/// <summary>Keeps a copy of a damaged file beside the one that replaces it.</summary>
public static class SetAside
{
    /// <summary>Copies <paramref name="path"/> to <c>NAME.damaged-1</c>, or the next number that is free, and returns where it is.</summary>
    public static string Copy(string path)
    {
        var aside = Enumerable.Range(1, int.MaxValue).Select(number => $"{path}.damaged-{number}").First(name => !File.Exists(name));
        // Its writer may have it open.
        using var from = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        AtomicFile.Write(aside, from.CopyTo);
        return aside;
    }
}
