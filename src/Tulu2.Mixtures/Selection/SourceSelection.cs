namespace Tulu2.Mixtures.Selection;

/// <summary>
/// Which records of a source are taken, how often and in which order: whole passes in the order of the files, then a part in an order of its own. A record's
/// number counts from 0 over all files of the source.
/// </summary>
/// <param name="Records">Records that there are.</param>
/// <param name="Passes">How often all of them are taken.</param>
/// <param name="Part">Numbers of the records taken once more, in their order; no number twice.</param>
internal sealed record SourceSelection(int Records, int Passes, int[] Part)
{
    private readonly int[]? _placeInPart = Part.Length == 0 ? null : Inverse(Records, Part);

    public int Count => checked(Records * Passes + Part.Length);

    public static SourceSelection All(int records) => new(records, 1, []);

    /// <summary>The places of a record in the source's output, from 0.</summary>
    public IEnumerable<int> PlacesOf(int record)
    {
        for (var pass = 0; pass < Passes; pass++) yield return pass * Records + record;
        if (_placeInPart is not null && _placeInPart[record] is >= 0 and var place) yield return Passes * Records + place;
    }

    /// <summary>A place within its own pass, from 0.</summary>
    public int WithinPass(int place) => place < Passes * Records ? place % Records : place - Passes * Records;

    private static int[] Inverse(int records, int[] part)
    {
        var places = new int[records];
        Array.Fill(places, -1);
        for (var place = 0; place < part.Length; place++) places[part[place]] = place;
        return places;
    }
}
