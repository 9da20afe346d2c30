namespace Tulu2.Tests.Hub.Server;

/// <summary>What a server does wrong with one request.</summary>
internal abstract record Fault
{
    /// <summary>Breaks off after so many bytes of the content.</summary>
    internal sealed record Break(int After) : Fault;

    /// <summary>Closes the connection instead of an answer.</summary>
    internal sealed record NoAnswer : Fault;

    /// <summary>Changes one byte of the content.</summary>
    internal sealed record Corrupt(int At) : Fault;

    /// <summary>Answers with a status, and perhaps a header.</summary>
    internal sealed record Status(int Code, string Header = "", string Body = "") : Fault;

    /// <summary>Says another length than the content has.</summary>
    internal sealed record WrongLength(int Difference) : Fault;

    /// <summary>Gives all of the file, whatever was asked for.</summary>
    internal sealed record NoRange : Fault;

    /// <summary>Gives other bytes than were asked for, and says so.</summary>
    internal sealed record OtherRange : Fault;

    /// <summary>Answers 200 with a page.</summary>
    internal sealed record Page : Fault;

    /// <summary>Sends a part and then nothing, with the connection open.</summary>
    internal sealed record Stall(int After) : Fault;
}
