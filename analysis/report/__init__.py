"""The page that a student hands in: report.html from mpidrift-compare's figures and the run files.

    interpreter  a Python that has the libraries
    program      options, messages, exit codes
    campaign     what lies in the folder: run files, corridors, the comparison of them
    comparison   mpidrift-compare's figures, by place, and as text
    run_file     what pictures need of one run file
    pictures/    one picture a file
    fields       the student's own parts; draft fills them in as a specimen
    sections, evidence, page   the page

Every statistic is mpidrift-compare's. What is drawn beside it are rows and counts of run files."""
