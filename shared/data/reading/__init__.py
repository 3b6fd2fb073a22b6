"""How every reader lists a folder, reads a text, decodes a picture and parses a number: the whole of what is tolerated.

*Dropped* without a word, since no owner of a data set puts it there (`listing`): files and folders whose names begin
with a dot, which have the `._` files of macOS and the checkpoints of notebooks among them, or end with a tilde, and
those in `listing.STRAY`; in a folder of pictures, files that are no pictures by their suffix; in a text, a byte order
mark and blank lines at the end (`texts`). Profiles of colours are not applied.

*Turned* is a picture whose EXIF says so. *Scaled* to 8 bits is one of 16, by 1 / 256. Of several frames the first is
taken; transparency is left out, and a palette looked up. Grey becomes colour, and colour grey, as a reader asks
(`pictures`). A reader says itself where it resizes, where it stretches, and where it takes a central square.

*Found* is a file that a list names in one of Unicode's forms and the disk in another, or with slashes and folders "."
beyond need: it is one file (`listing`).

*Refused*, each with one UserError (`faults`: the first ends a training's reading, `check` is told all):

- in the place of a file a pipe, a socket, a device or a folder (`regular`);
- a name that is not in UTF-8, or that is there in two of Unicode's forms, a link to nowhere or to itself, a picture of
  a format that is not read, told by its suffix, a folder that is called as a picture; in a list, a name with a NUL, a
  lone surrogate, or that leads out of the folder; a picture that is in the folders of two classes by a link, or that a
  list has in two, or to train on and to test on (`listing`);
- a text that is not in UTF-8, or has a NUL; JSON that is not in UTF-8, or has one key twice in an object (`texts`);
- a picture of another format than `pictures.FORMATS`, however it is called, of numbers that are not 8 or 16 bits, of
  more than `pictures.MOST_PIXELS`, or that is not whole (`pictures`);
- a crop of another aspect than its protocol's, where a reader does not say that it stretches (`pictures`);
- a number that is not written in ASCII digits, where it is whole with a minus sign at most, else with a sign, a point
  or an exponent, or is out of its bounds (`numbers`), which are 64 bits where nothing else is said;
- an archive with two members of one name, and a member of one, or a compressed part of a file, that expands beyond its
  bound (`archives`).
"""
