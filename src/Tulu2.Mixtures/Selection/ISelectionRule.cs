using Tulu2.Data.Python;

namespace Tulu2.Mixtures.Selection;

/// <summary>Decides what is taken of a source. Pure: the same counts and the same random stream give the same records.</summary>
internal interface ISelectionRule
{
    /// <param name="entries">Records of each entry of <c>files</c>, in order, by the entry's name.</param>
    /// <param name="random">The stream to draw from; its state afterwards is part of the result.</param>
    /// <exception cref="SelectionFault">There are fewer records than asked for.</exception>
    SourceSelection Select(IReadOnlyList<EntryCount> entries, Amount amount, PythonRandom random);
}

/// <param name="Name">The entry as the recipe writes it.</param>
internal sealed record EntryCount(string Name, int Records);
