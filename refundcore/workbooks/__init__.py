"""Excel workbooks (.xlsx, .xlsm) to rows of text, in a process of its own with limits on memory and time.

`python -m refundcore.workbooks` reads a workbook from its standard input and writes frames to its standard output. It
imports the standard library alone, so that it starts in some hundredths of a second. The desk's side of the pipe is
`refundcore.intake.sheets`.

A package for reading workbooks is not used here: those at hand (python-calamine 0.9, openpyxl 3.1) give a cell with an
error and a formula without a saved value as blank cells, hold all of a sheet's area or trust the size it claims, and
say nothing of hidden rows. The tests read every workbook with python-calamine as well and compare.
"""
