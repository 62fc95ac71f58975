# Reads the texts that dist/licenses.hbs made and prints each once: texts that differ only in blanks, capitals, or in the
# copyright line that the Apache license's appendix asks for are one text, and those lines are listed below it.
use strict;
use warnings;

my $rule = '-' x 80;
my @sections = split /^$rule\n/m, do { local $/; <STDIN> };
shift @sections;

my (@order, %merged);
while (my ($head, $text) = splice @sections, 0, 2) {
    my ($name, $used_by) = $head =~ /\A(.*)\nUsed by: (.*)\n\z/ or die "no heading: $head";
    $text =~ s/\A\n+|\s+\z//g;
    my @notices;
    my $same = $text;
    if ($name =~ /^Apache/) {
        # Only after the terms; `[yyyy]`, `{yyyy}` and the like are nobody's.
        my ($terms, $appendix) = split /(?<=END OF TERMS AND CONDITIONS)/, $text, 2;
        if (defined $appendix) {
            for my $line (split /\n/, $appendix) {
                next unless $line =~ /^\W*(Copyright .*\d{4}.*?)\s*$/;
                push @notices, $1;
            }
            $appendix =~ s/^\W*Copyright (?=.*(?:\d{4}|yyyy)).*$//mg;
            # Some leave the appendix out.
            $same = $appendix =~ /APPENDIX/ ? $terms . $appendix : $terms;
        }
    }
    $same = lc $same;
    $same =~ s/[^a-z0-9]+/ /g;
    $same =~ s/^ | $//g;
    my $entry = $merged{"$name $same"};
    if (!$entry) {
        $entry = $merged{"$name $same"} = { name => $name, text => $text, used_by => [], notices => {} };
        push @order, $entry;
    }
    my @crates = split /, /, $used_by;
    push @{ $entry->{used_by} }, @crates;
    push @{ $entry->{notices}{$_} }, @crates for @notices;
    # The one without a name of its own is shown, so that it reads for all.
    $entry->{text} = $text unless @notices;
}

# Long lists in lines of at most 100.
sub list {
    my ($lines, $line) = ('', '');
    for my $item (split / (?=\S+ \d)/, join ', ', sort @_) {
        if ($line ne '' && length($line) + length($item) >= 100) {
            $lines .= "$line\n";
            $line = '';
        }
        $line .= $line eq '' ? $item : " $item";
    }
    return $lines . $line;
}

for my $entry (@order) {
    print "\n$rule\n$entry->{name}, used by:\n", list(@{ $entry->{used_by} }), "\n$rule\n\n$entry->{text}\n";
    next unless %{ $entry->{notices} };
    print "\nWith the notices:\n";
    print "$_ (", join(', ', sort @{ $entry->{notices}{$_} }), ")\n" for sort keys %{ $entry->{notices} };
}
