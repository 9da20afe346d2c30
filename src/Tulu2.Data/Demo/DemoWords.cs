namespace Tulu2.Data.Demo;

/// <summary>The demo's words: few enough that a model of a million parameters sees each often.</summary>
internal static class DemoWords
{
    public static readonly string[] Things =
    [
        "red", "dog", "sun", "tree", "blue", "cat", "moon", "book", "green", "bird", "rain", "lamp",
        "white", "fish", "snow", "door", "black", "horse", "wind", "boat", "brown", "mouse", "star", "ring",
    ];

    public static readonly string[] Colours = ["red", "blue", "green", "white", "black", "brown", "pink", "grey"];

    public static readonly string[] Names =
    [
        "Anna", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Henry", "Ida", "Jonas", "Karin", "Leo",
        "Mia", "Noah", "Olga", "Paul", "Rosa", "Simon", "Tina", "Viktor",
    ];

    public static string One(string[] words, ref SplitMix64 random) => words[random.Below(words.Length)];

    /// <summary>Distinct items, in the order drawn.</summary>
    public static T[] Several<T>(IReadOnlyList<T> items, int count, ref SplitMix64 random)
    {
        var left = items.ToList();
        var drawn = new T[count];
        for (var index = 0; index < count; index++)
        {
            var pick = random.Below(left.Count);
            drawn[index] = left[pick];
            left.RemoveAt(pick);
        }
        return drawn;
    }
}
